# The container image for Lambda: the function's requirements, and our own code that serves.
FROM public.ecr.aws/lambda/python:3.12

# PyTorch's own index has builds without CUDA. The default build is gigabytes larger.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements/lock/torchscript.txt requirements/lock/torch.txt ./
RUN pip install --no-cache-dir --require-hashes --no-deps --requirement torchscript.txt \
 && pip install --no-cache-dir --no-deps --index-url "$TORCH_INDEX" --constraint torch.txt torch \
 && pip check

COPY handler.py .
COPY api api
COPY batch batch
COPY model model
COPY preprocess preprocess
# Lambda runs the function as another user, and that user cannot read files that a strict umask (077) has made.
RUN chmod -R a+rX handler.py api batch model preprocess
# Lambda's disk is read-only: modules that are not compiled here would be compiled at every cold start.
RUN python -m compileall -q handler.py api batch model preprocess

CMD ["handler.lambda_handler"]
