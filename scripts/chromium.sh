#!/bin/sh
# Installs Debian's Chromium for the website's tests, if it is missing and this user may install packages.
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null && exit 0
done
if command -v apt-get >/dev/null; then
  if [ "$(id -u)" = 0 ]; then
    echo "Installing Chromium for the website's tests."
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null && exit 0
  fi
  echo "The website's tests need Chromium. Install it:  sudo apt-get install chromium"
else
  echo "The website's tests need Chromium or Chrome on the PATH. Install it from your system's packages."
fi
echo "Everything else works without it."
