#!/bin/sh
# The application of the demo: says which release its configuration names, and that it is ready.
release=$(sed -n 's/^release *= *//p' "${0%/*}/app.conf")
printf '{"ready": true, "release": "%s"}\n' "$release"
