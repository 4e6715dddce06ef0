# The Lambda container image: the requirements of the function, and the packages that serve.
FROM public.ecr.aws/lambda/python:3.12

# The processor-only build of torch comes first, from PyTorch's own index: elsewhere torch brings gigabytes of CUDA.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements.txt .
RUN pip install --no-cache-dir --index-url "$TORCH_INDEX" "$(grep '^torch==' requirements.txt)" \
 && pip install --no-cache-dir --requirement requirements.txt

COPY handler.py .
COPY api api
COPY model model
COPY preprocess preprocess
# Lambda cannot write beside the code, so what is not compiled now is compiled at every cold start.
RUN python -m compileall -q handler.py api model preprocess

CMD ["handler.lambda_handler"]
