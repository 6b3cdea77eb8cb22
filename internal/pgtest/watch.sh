# Runs a server until standard input closes, then removes its directory.
dir=$1
shift
"$@" >"$dir/log" 2>&1 &
read -r _
kill -QUIT $! 2>/dev/null
wait $!
rm -rf "$dir"
exit 0
