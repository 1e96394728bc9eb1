"""Says what is wrong with documents, as those say who know their formats: *.cdx.json, *.spdx.json."""

import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document


def wrong(path):
    if path.endswith(".cdx.json"):
        with open(path, encoding="utf-8") as text:
            error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.read())
        return [] if error is None else [error]
    return validate_full_spdx_document(parse_file(path))


for path in sys.argv[1:]:
    for message in wrong(path):
        print(path, message)
