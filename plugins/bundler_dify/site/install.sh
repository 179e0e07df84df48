#!/bin/sh
# Installs the plugin packages of this folder into every workspace of the running Dify, or into those named.
# 将本目录中的插件包安装到正在运行的 Dify 的所有工作区（或参数指定的工作区 ID）。
# Usage / 用法: sh install.sh [WORKSPACE-ID ...]
set -eu

main() {
    here=$(cd -- "$(dirname -- "$0")" && pwd -P)
    api=$(docker ps --quiet \
        --filter label=com.docker.compose.project=dify \
        --filter label=com.docker.compose.service=api | head -n 1)
    if [ -z "$api" ]; then
        echo "Dify's API is not running: start it first. / Dify 的 API 未运行，请先启动。" >&2
        exit 1
    fi
    inside=/tmp/dify-plugins
    # By standard input: `docker cp` refuses containers with a read-only file system.
    tar -C "$here" -cf - . | docker exec -i "$api" sh -c "rm -rf $inside && mkdir $inside && tar -C $inside -xf -"
    result=0
    docker exec "$api" python3 "$inside/install_plugins.py" "$inside" "$@" || result=$?
    docker exec "$api" rm -rf "$inside"
    exit "$result"
}

main "$@"
