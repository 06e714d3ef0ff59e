"""What AWS answered instead of what was asked for, as the project's own errors.

``RefusedError``: it certainly did not happen. ``UnknownOutcomeError``: it may have happened.
``ThrottledError``: it did not happen, and may be asked again later.
"""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
)

from supervisor.errors import SupervisorError

THROTTLES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "TooManyRequestsException",
        "BandwidthLimitExceeded",
        "SlowDown",
        "EC2ThrottledException",
    }
)
DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
)
_BAD_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)
_NOT_REACHED = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
_NEVER_SENT = (
    *_NO_CREDENTIALS,
    *_NOT_REACHED,
    NoRegionError,
    ParamValidationError,
    ProfileNotFound,
)

_CHECK_CREDENTIALS = (
    "Whose credentials are they?   aws sts get-caller-identity",
    "Check the whole path:         job-supervisor doctor",
)
_CHECK_PATH = ("Check the whole path:   job-supervisor doctor",)


class AwsError(SupervisorError):
    """Base of them; ``code`` is AWS's, empty where none came."""

    code = ""


class ThrottledError(AwsError):
    """Raised when AWS asks for a slower pace, or no call was due in time: nothing happened."""


class RefusedError(AwsError):
    """Raised when AWS refused, or could not be asked: the call had no effect."""


class UnknownOutcomeError(AwsError):
    """Raised when no answer came: the call may have had its effect."""


def translate(operation: str, error: ClientError | BotoCoreError) -> AwsError:
    """Make our error of the library's; raise it ``from`` the original."""
    what = f"{operation} failed"
    if isinstance(error, ClientError):
        return _answered(operation, what, error)
    if isinstance(error, _NO_CREDENTIALS):
        return RefusedError(what, str(error), _CHECK_CREDENTIALS)
    if isinstance(error, NoRegionError):
        return RefusedError(what, str(error), ("Set the region:   AWS_REGION, or [aws] region",))
    if isinstance(error, _NEVER_SENT):
        return RefusedError(what, str(error), _CHECK_PATH)
    return UnknownOutcomeError(what, str(error) or type(error).__name__, _CHECK_PATH)


def _answered(operation: str, what: str, error: ClientError) -> AwsError:
    answer = error.response.get("Error", {})
    code, message = str(answer.get("Code", "")), str(answer.get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    why = f"{code}: {message}" if message else code
    made: AwsError
    if code in THROTTLES:
        made = ThrottledError(what, why)
    elif status >= 500 or code == "RequestTimeout":
        made = UnknownOutcomeError(what, why)
    elif code in DENIED:
        step = f"Allow it in the role's policy:   {permission(operation)}"
        made = RefusedError(what, why, (step, "The whole policy:   config/iam-policy.json"))
    elif code in _BAD_CREDENTIALS:
        made = RefusedError(what, why, _CHECK_CREDENTIALS)
    else:
        made = RefusedError(what, why)
    made.code = code
    return made


_SSM = frozenset(
    {
        "SendCommand",
        "CancelCommand",
        "GetCommandInvocation",
        "ListCommandInvocations",
        "DescribeInstanceInformation",
    }
)


def permission(operation: str) -> str:
    """Return the IAM permission that an operation needs."""
    if operation == "ListObjectsV2":
        return "s3:ListBucket"
    return f"{'ssm' if operation in _SSM else 'ec2'}:{operation}"
