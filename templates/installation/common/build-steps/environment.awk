# Splits a conda environment file: PIP gets what it lists under `pip:`, CONDA everything else, and
# SPECS the packages for conda alone, one a line, without comments.
#   awk -v conda=FILE -v pip=FILE -v specs=FILE -f environment.awk environment.yml
# So a changed Python package does not make the conda environment again, and uv installs it.

function indentation(line) { match(line, /^ */); return RLENGTH }
function plain(entry) {
    sub(/^[ \t]+/, "", entry)
    sub(/(^|[ \t]+)#.*$/, "", entry)
    sub(/[ \t]+$/, "", entry)
    if (entry ~ /^".*"$/ || entry ~ /^'.*'$/) entry = substr(entry, 2, length(entry) - 2)
    return entry
}
BEGIN { printf "" > conda; printf "" > pip; printf "" > specs }
{ sub(/\r$/, "") }
within && /^ *(#.*)?$/ { next }
within && /^ *- / && indentation($0) > level {
    entry = $0
    sub(/^ *- */, "", entry)
    print plain(entry) > pip
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
/^ *#/ || /^ *$/ { next }
/^[^ \t-]/ { listed = /^dependencies:/; sub(/^dependencies:/, "") }
listed {
    entry = plain($0)
    if (entry ~ /^\[.*\]$/) {
        count = split(substr(entry, 2, length(entry) - 2), entries, ",")
        for (i = 1; i <= count; i++) print plain(entries[i]) > specs
        next
    }
    sub(/^- */, "", entry)
    if (entry != "") print plain(entry) > specs
}
