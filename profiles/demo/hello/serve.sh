# What the sample's service does: say its greeting, and stay.
[ "${#HELLO_TOKEN}" -eq 32 ] || { echo "HELLO_TOKEN was not generated"; exit 1; }
echo "$GREETING" >/run/greeting
while :; do
  echo "$GREETING"
  sleep 5
done
