# Splits a conda environment file: PIP gets what it lists under `pip:`, CONDA everything else.
#   awk -v conda=FILE -v pip=FILE -f environment.awk environment.yml
# So a changed Python package does not make the conda environment again, and uv installs it.

function indentation(line) { match(line, /^ */); return RLENGTH }
BEGIN { printf "" > conda; printf "" > pip }
{ sub(/\r$/, "") }
within && /^ *(#.*)?$/ { next }
within && /^ *- / && indentation($0) > level {
    entry = $0
    sub(/^ *- */, "", entry)
    sub(/[ \t]+#.*$/, "", entry)
    sub(/[ \t]+$/, "", entry)
    if (entry ~ /^".*"$/ || entry ~ /^'.*'$/) entry = substr(entry, 2, length(entry) - 2)
    print entry > pip
    next
}
{ within = 0 }
/^ *- *pip: *(#.*)?$/ { within = 1; level = indentation($0); next }
/^ *- *pip: *[^ #]/ {
    print "error: in environment.yml, line " NR ": the packages under `pip:` must be one a line" > "/dev/stderr"
    failed = 1
    exit 1
}
{ print > conda }
