# The Lambda container image: the requirements of the function, and the packages that serve.
FROM public.ecr.aws/lambda/python:3.12

# torch comes from PyTorch's own index, whose builds for processors have no CUDA: elsewhere it brings gigabytes of it.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements/lock/torchscript.txt requirements/lock/torch.txt ./
RUN pip install --no-cache-dir --require-hashes --requirement torchscript.txt \
 && pip install --no-cache-dir --no-deps --index-url "$TORCH_INDEX" --constraint torch.txt torch \
 && pip check

COPY handler.py .
COPY api api
COPY model model
COPY preprocess preprocess
# Lambda cannot write beside the code, so what is not compiled now is compiled at every cold start.
RUN python -m compileall -q handler.py api model preprocess

CMD ["handler.lambda_handler"]
