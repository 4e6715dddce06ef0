"""The deployed website: what CloudFront serves of it."""

from scripts import website


def test_the_address_serves_the_page(stack):
    answer = stack.get(f"{stack.site}/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.content == (website.SITE / "index.html").read_bytes()


def test_its_configuration_names_the_api(stack):
    assert stack.get(f"{stack.site}/config.json").json() == {"api": stack.api}


def test_scripts_are_served_as_scripts_and_checked_each_time(stack):
    answer = stack.get(f"{stack.site}/main.js")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


def test_a_browser_is_told_not_to_guess_and_not_to_frame(stack):
    headers = stack.get(f"{stack.site}/").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"


def test_what_is_not_of_the_website_is_not_served(stack):
    assert stack.get(f"{stack.site}/secrets.json").status_code == 403


def test_a_file_that_left_the_website_leaves_the_bucket(stack):
    s3, bucket = stack.client("s3"), _outputs(stack)["SiteBucket"]
    s3.put_object(Bucket=bucket, Key="former.js", Body=b"")
    with stack.target.entered():
        website.upload(bucket, stack.api)
    assert {entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]} == {
        page.key for page in website.pages(stack.api)
    }


def test_the_page_itself_is_uploaded_last():
    assert website.pages("https://api.test")[-1].key == "index.html"


def _outputs(stack):
    (described,) = stack.client("cloudformation").describe_stacks(StackName=stack.target.stack)["Stacks"]
    return {item["OutputKey"]: item["OutputValue"] for item in described["Outputs"]}
