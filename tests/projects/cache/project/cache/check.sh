#!/bin/sh
printf 'version\r\nquit\r\n' | curl -sm 2 telnet://127.0.0.1:11211 | grep -q VERSION
