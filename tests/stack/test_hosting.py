"""The two ways to serve the website, deployed one over the other and back, and the template for AWS."""

import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass

import pytest
import requests

from deploy import rollout, status, website
from deploy import stack as stacks
from deploy.local import direct, temporary
from deploy.options import Options
from deploy.stack import Engine, Function, Hosting
from deploy.target import Target, local_target
from model.settings import ROOT
from scripts.console import SETTINGS

NO_MODEL = "models/none"

WATCHED = Options(alarm_email="ada@example.org", max_concurrency=3, site_logs=True)
"""All that the local AWS has of what watches and limits a stage."""

BAD_TIMES = [
    ("AWS/ApiGateway", "5xx", 5),
    ("AWS/ApiGateway", "Latency", 5001),
    ("AWS/Lambda", "Throttles", 5),
    ("Visage/local", "ModelUnavailable", 1),
    ("Visage/local", "SlowStarts", 1),
]
"""As much of each metric as an alarm needs. The local AWS ignores to which API or function a value belongs."""


@dataclass(frozen=True)
class Deployment:
    """The state of the bucket, page and distributions after a deployment."""

    bucket: str
    address: str
    address_on_aws: str
    page: requests.Response
    statement: dict
    public_access: dict
    website: dict | None
    distributions: int
    watched: dict[str, list[str]]


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """A local AWS without a function that works: the website needs none."""
    with temporary(tmp_path_factory.mktemp("hosting"), SETTINGS) as local:
        yield local_target(local)


@pytest.fixture(scope="module")
def history(target):
    """A plain website, then one behind CloudFront in its place, and back."""
    return [deployed(target, hosting) for hosting in (Hosting.S3, Hosting.CLOUDFRONT, Hosting.S3)]


@pytest.fixture(scope="module", params=[0, 2], ids=["at-once", "after-cloudfront"])
def plain(request, history):
    return history[request.param]


@pytest.fixture(scope="module")
def distributed(history):
    return history[1]


@pytest.fixture(scope="module")
def on_aws(tmp_path_factory):
    """The resources of the CloudFormation template for a stage on AWS."""
    folder = tmp_path_factory.mktemp("package")
    with zipfile.ZipFile(folder / "function.zip", "w") as archive:
        archive.writestr("handler.py", "")
    function = Function(Engine.ONNX, "snapshot", str(folder / "function.zip"))
    target = Target("dev", "eu-central-1", SETTINGS)
    words = stacks.arguments(target, NO_MODEL, function, Hosting.CLOUDFRONT)
    with stacks.osls_lock(target):
        subprocess.run([stacks.OSLS, "package", *words, "--package", folder], cwd=ROOT, capture_output=True, check=True)
    return json.loads((folder / "cloudformation-template-update-stack.json").read_text())["Resources"]


def deployed(target, hosting):
    options = Options.of(target) if hosting is Hosting.S3 else WATCHED
    function = Function(Engine.TORCHSCRIPT, "image", python=sys.executable)
    stacks.deploy(target, NO_MODEL, function, hosting, options.parameters())
    outputs = stacks.outputs(target)
    addresses = rollout.addresses_of(target, outputs)
    with target.client("s3") as s3, target.client("cloudfront") as cloudfront:
        pages = website.build().pages(addresses.site, website.Services(addresses.api))
        website.upload(s3, outputs.site_bucket, pages)
        return described(s3, cloudfront, outputs, addresses.site, watched(target))


def watched(target):
    """The names of all alarms, of those that went off in bad times, of who gets their mails, of dashboards and logs."""
    with target.client("cloudwatch") as cloudwatch, target.client("sns") as sns, target.client("logs") as logs:
        for namespace, metric, value in BAD_TIMES:
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": metric, "Value": value}])
        return {
            "alarms": [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]],
            "went off": status.alarms(cloudwatch, target.stack),
            "mails": [each["Endpoint"] for each in sns.list_subscriptions()["Subscriptions"]],
            "dashboards": [each["DashboardName"] for each in cloudwatch.list_dashboards()["DashboardEntries"]],
            "logs": [
                group["logGroupName"]
                for group in logs.describe_log_groups(logGroupNamePrefix="/aws/vendedlogs/")["logGroups"]
            ],
        }


def described(s3, cloudfront, outputs, address, watched):
    bucket = outputs.site_bucket
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    return Deployment(
        bucket,
        address,
        outputs.site_address,
        get(address),
        statement,
        s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"],
        website_of(s3, bucket),
        cloudfront.list_distributions()["DistributionList"].get("Quantity", 0),
        watched,
    )


def website_of(s3, bucket):
    try:
        return s3.get_bucket_website(Bucket=bucket)["IndexDocument"]
    except s3.exceptions.ClientError:  # NoSuchWebsiteConfiguration
        return None


def get(address):
    url, headers = direct(address)
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, headers=headers, timeout=30)


def test_a_plain_website_is_a_public_bucket_with_an_index(plain):
    assert plain.website == {"Suffix": "index.html"}
    assert plain.public_access == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": False,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": False,
    }
    assert plain.statement["Principal"] == "*"
    assert plain.statement["Action"] == "s3:GetObject"
    assert plain.statement["Resource"] == f"arn:aws:s3:::{plain.bucket}/*"


def test_a_plain_website_has_no_distribution(plain):
    assert plain.distributions == 0


def test_a_plain_website_serves_the_page_with_its_own_policy(plain):
    assert plain.page.status_code == 200
    assert plain.page.headers["content-type"] == "text/html; charset=utf-8"
    assert plain.page.headers["cache-control"] == "no-cache"
    assert "content-security-policy" not in plain.page.headers
    assert "; connect-src 'self' http://" in plain.page.text


def test_every_file_that_a_plain_website_names_exists(plain):
    names = website._REFERENCE.findall(plain.page.text)
    root = plain.address.removesuffix("index.html")
    assert {get(f"{root}assets/{name}").status_code for name in names} == {200}


def test_with_cloudfront_the_bucket_is_private(distributed, history):
    assert {deployment.bucket for deployment in history} == {distributed.bucket}
    assert distributed.website is None
    assert set(distributed.public_access.values()) == {True}
    assert distributed.statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert "AWS:SourceArn" in distributed.statement["Condition"]["StringEquals"]


def test_cloudfront_sends_the_page_with_security_headers(distributed):
    assert distributed.distributions == 1
    assert distributed.page.status_code == 200
    assert "frame-ancestors 'none'" in distributed.page.headers["content-security-policy"]


def test_the_address_on_aws_is_https_behind_cloudfront_alone(history, distributed):
    plain = f"http://{distributed.bucket}.s3-website-us-east-1.amazonaws.com"
    assert [deployment.address_on_aws for deployment in history[::2]] == [plain, plain]
    assert distributed.address_on_aws.startswith("https://")
    assert distributed.address_on_aws.endswith(".cloudfront.net")


def test_aws_serves_over_https_and_http3_and_compresses(on_aws):
    served = on_aws["Site"]["Properties"]["DistributionConfig"]
    assert served["HttpVersion"] == "http2and3"
    assert served["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert served["DefaultCacheBehavior"]["Compress"] is True


def test_on_aws_the_website_passes_requests_on_to_the_api_and_keeps_no_answer(on_aws):
    served = on_aws["Site"]["Properties"]["DistributionConfig"]
    (behavior,) = served["CacheBehaviors"]
    assert behavior["PathPattern"] == "/api/*"
    assert "POST" in behavior["AllowedMethods"]
    assert behavior["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert behavior["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    (origin,) = (origin for origin in served["Origins"] if origin["Id"] == behavior["TargetOriginId"])
    assert origin["DomainName"] == {"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::GetAtt": ["HttpApi", "ApiEndpoint"]}]}]}
    assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"


def test_on_aws_only_the_website_may_upload_from_a_browser_and_only_to_that_bucket(on_aws):
    (rule,) = on_aws["UploadBucket"]["Properties"]["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedMethods"] == ["POST"]
    distributed, plain = rule["AllowedOrigins"][0]["Fn::If"][1:]
    assert distributed == {"Fn::Sub": "https://${Site.DomainName}"}
    assert plain == {"Fn::GetAtt": ["SiteBucket", "WebsiteURL"]}
    headers = on_aws["SiteHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    name = on_aws["UploadBucket"]["Properties"]["BucketName"]["Fn::Sub"]
    policy = headers["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Sub"]
    assert f"connect-src 'self' https://{name}.s3.${{AWS::Region}}.${{AWS::URLSuffix}};" in policy


def test_on_aws_the_function_answers_cors_and_the_api_in_front_of_it_does_not(on_aws):
    assert "CorsConfiguration" not in on_aws["HttpApi"]["Properties"]


def test_alarms_dashboard_and_logs_come_and_go_with_their_options(history, distributed):
    alarms = {"model-unavailable", "server-errors", "slow-answers", "slow-starts", "throttles"}
    assert {name.removeprefix("visage-local-") for name in distributed.watched["alarms"]} == alarms
    assert set(distributed.watched["went off"]) == set(distributed.watched["alarms"])
    assert distributed.watched["mails"] == ["ada@example.org"]
    assert distributed.watched["dashboards"] == ["visage-local-us-east-1"]
    assert distributed.watched["logs"] == ["/aws/vendedlogs/visage-local-access"]
    assert [any(each.watched.values()) for each in history[::2]] == [False, False]
