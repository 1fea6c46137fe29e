"""The document is valid OpenAPI 3.1."""

import json
import sys
import urllib.request

from openapi_spec_validator import validate

with urllib.request.urlopen(sys.argv[1]) as answer:
    document = json.load(answer)
validate(document)
print(f"valid OpenAPI {document['openapi']}: {sum(len(path) for path in document['paths'].values())} operations")
