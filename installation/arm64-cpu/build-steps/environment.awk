# Splits a conda environment file: PIP gets what it lists under `pip:`, CONDA everything else, and
# SPECS the packages for conda alone, one a line, without quotes and comments.
#   awk -v conda=FILE -v pip=FILE -v specs=FILE -f environment.awk environment.yml
# So a changed Python package does not make the conda environment again, and uv installs it.

function indentation(line) { match(line, /^ */); return RLENGTH }
function fail(why) {
    print "error: in environment.yml, line " NR ": " why > "/dev/stderr"
    failed = 1
    exit 1
}

# The character that an escape in double quotes stands for (YAML 1.2.2, 5.7); TEXT begins behind the
# backslash, and `used` becomes the length of the escape.
function unescaped(text,    c, digits, value, i) {
    c = substr(text, 1, 1)
    used = 1
    if (c == "t") return "\t"
    if (index("\"/\\ ", c)) return c
    digits = c == "x" ? 2 : c == "u" ? 4 : c == "U" ? 8 : 0
    used = digits + 1
    for (i = 2; i <= used; i++)
        value = value * 16 + index("0123456789abcdef", tolower(substr(text, i, 1))) - 1
    if (!digits || value < 32 || value > 126) fail("`\\" c "` is no character of a package's line")
    return sprintf("%c", value)
}

# The text at the beginning of TEXT, as YAML means it; `rest` becomes what stands behind it. Within
# [brackets] a plain text ends at a comma, too.
function scalar(text, brackets,    mark, name, out, c, i) {
    sub(/^[ \t]+/, "", text)
    if (match(text, /^[&*][^] \t,]+/)) {
        mark = substr(text, 1, 1)
        name = substr(text, 2, RLENGTH - 1)
        rest = substr(text, RLENGTH + 1)
        if (mark == "*") return name in anchors ? anchors[name] : "*" name
        out = scalar(rest, brackets)
        anchors[name] = out
        return out
    }
    mark = substr(text, 1, 1)
    if (mark == "\"" || mark == "'") {
        for (i = 2; i <= length(text); i++) {
            c = substr(text, i, 1)
            if (mark == "'" && substr(text, i, 2) == "''") i++
            else if (mark == "\"" && c == "\\") {
                c = unescaped(substr(text, i + 1))
                i += used
            } else if (c == mark) {
                rest = substr(text, i + 1)
                return out
            }
            out = out c
        }
        fail("a text in quotes must end on its line")
    }
    sub(/(^|[ \t]+)#.*$/, "", text)
    rest = ""
    if (brackets && match(text, /[],]/)) {
        rest = substr(text, RSTART)
        text = substr(text, 1, RSTART - 1)
    }
    sub(/[ \t]+$/, "", text)
    return text
}

function spec(value) { if (value != "") print value > specs }

BEGIN { printf "" > conda; printf "" > pip; printf "" > specs }
NR == 1 && index($0, "\357\273\277") == 1 { $0 = substr($0, length("\357\273\277") + 1) }
{ sub(/\r$/, "") }
within && /^ *(#.*)?$/ { next }
within && indentation($0) > level {
    entry = $0
    if (!sub(/^ *- */, "", entry) || entry ~ /^[|>]/) fail("each package under `pip:` must be on one line")
    named = entry ~ /^\*/
    entry = scalar(entry)
    if (named && entry ~ /^\*/) fail("`" entry "` stands for nothing that was named above")
    print entry > pip
    next
}
{ within = 0 }
/^ *- *["']?pip["']? *: *(#.*)?$/ { within = 1; level = indentation($0); next }
/^ *- *(["']?pip["']? *:|\{)/ { fail("the packages under `pip:` must be one a line") }
{ print > conda }
/^ *#/ || /^ *$/ { next }
/^[^ \t-]/ { listed = /^dependencies *:/; sub(/^dependencies *:/, "") }
# A package may be named elsewhere (`- &name …`, `key: &name …`) and only stand here (`- *name`).
!listed && match($0, /[:-] +&/) { scalar(substr($0, RSTART + 1)) }
listed {
    entry = $0
    sub(/^ */, "", entry)
    sub(/^-( +|$)/, "", entry)
    if (entry !~ /^\[/) { spec(scalar(entry)); next }
    rest = entry
    do spec(scalar(substr(rest, 2), 1)); while (rest ~ /^ *,/ && sub(/^ */, "", rest))
}
