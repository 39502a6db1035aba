"""Test scripts of Postman, read and never run: `tokens`, `syntax` and `nodes` are JavaScript as far as these need it.

`symbols` says what expressions stand for; `chains`, `response` and `claims` what a script expects, which `checks`
collects. Private to `postman_scripts`.
"""
