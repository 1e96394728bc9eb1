#!/bin/sh
# Divides a declared list by the lock: a package that was declared since is then installed behind
# all that the lock knows, and nothing below it is built again.
#   apt-split.sh NAME LISTS DOCKERFILE OUT
# LISTS has locked/NAME.txt and declared/NAME.txt; OUT/first and OUT/later get the same, first what
# the lock answers and later the rest. Everything comes first without a lock, and where lines of
# your own in the stage NAME, or stages on top of it, may need what is declared.
set -eu
umask 022

name=$1
lists=$2
dockerfile=$3
out=$4

# words FILE: the packages of a list, one a line.
words() {
    if [ -f "$1" ]; then sed 's/\r$//; s/#.*//' "$1" | tr -s '[:space:]' '\n' | sed '/^$/d'; fi
}

# own_lines: whether the Dockerfile does more with the stage than to install its list.
own_lines() {
    awk -v stage="$name" '
        continued { continued = /\\[ \t]*$/; if (uses()) own = 1; next }
        /^[ \t]*#/ { next }
        { continued = /\\[ \t]*$/; word = toupper($1) }
        word == "FROM" {
            here = (toupper($(NF - 1)) == "AS" && $NF == stage)
            if ($2 == stage && $NF != "development-generic") own = 1
            next
        }
        word == "COPY" && uses() { own = 1 }
        here && (word == "COPY" || word == "ADD") { own = 1 }
        here && word == "RUN" { runs++ }
        function uses() { return $0 ~ ("from=" stage "([ ,]|$)") }
        END { exit !(own || runs > 1) }
    ' "$1"
}

mkdir -p "$out/first/declared" "$out/first/locked" "$out/later/declared" "$out/later/locked"
locked=$lists/locked/$name.txt
first=$out/first/declared/$name.txt
later=$out/later/declared/$name.txt
words "$lists/declared/$name.txt" >"$out/words"
if [ ! -f "$locked" ]; then
    mv "$out/words" "$first"
    : >"$later"
    exit 0
fi
cp "$locked" "$out/first/locked/"
cp "$locked" "$out/later/locked/"
if [ ! -f "$dockerfile" ] || own_lines "$dockerfile"; then
    mv "$out/words" "$first"
    : >"$later"
    exit 0
fi
words "$locked" | sed 's/=.*//' >"$out/known"
: >"$first"
: >"$later"
while read -r package; do
    if grep -qxF -e "${package%%=*}" "$out/known"; then
        echo "$package" >>"$first"
    else
        echo "$package" >>"$later"
    fi
done <"$out/words"
rm "$out/words" "$out/known"
