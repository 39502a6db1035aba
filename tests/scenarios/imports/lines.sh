# the morning round, as it stands in the runbook
TOKEN=abc curl -sS https://api.example.com/sessions -d 'user=ada' --data-urlencode 'password=s3cret & more'
curl 'https://api.example.com/cards?state=OPEN&limit=10' \
  -H 'accept: application/json' \
  -H "Authorization: Bearer $TOKEN" \
  -H 'cookie: session=5f2b9c; theme=dark' \
  --compressed -L --max-redirs 3 | jq .
curl -X POST "https://api.example.com/cards/$CARD_ID/charges" \
  -H 'Content-Type: application/json' \
  --data-raw $'{"amount": 250, "note": "it\'s {{fine}}", "api_key": "k-1234567"}' -m 2.5 > out.json
curl -u ada:pa55word --digest https://api.example.com/reports/7 -k --cacert ca.pem -o report.pdf
curl -F 'photo=@ada.png;type=image/png' -F name=Ada -F 'meta={"a": 1};type=application/json' https://api.example.com/photos
curl -sSIXHEAD https://api.example.com/health -A probe/1 --retry 3
curl -G https://api.example.com/search -d q=ledger -d page=2
curl --json '{"a": [1, 2.5, null]}' https://api.example.com/json
curl -sS -X PUT 'https://api.example.com/notes/7' -H 'Authorization: ***(token)' --data-raw 'plain ***(pin) text'
curl https://api.example.com/upload -T backup.tar
