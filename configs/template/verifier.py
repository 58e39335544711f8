# Judges one completion. Any column of the data may be a parameter; prompt, completion and answer
# always exist. What this raises is never a reward of 0: the completion then counts as unscored.
import re
from fractions import Fraction

NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?(?:/\d+)?")


def final_answer(completion):
    """The text that claims to be the answer: after the last `answer is` or `=`, else the last line."""
    claims = re.split(r"answer is|answer:|=", completion, flags=re.IGNORECASE)
    return claims[-1].strip() if len(claims) > 1 else completion.strip().splitlines()[-1:][0].strip()


def verify(completion, answer):
    if not completion.strip():
        return {"score": 0, "reason": "the completion is empty"}
    claim = final_answer(completion)
    numbers = NUMBER.findall(claim)
    if len(numbers) != 1:
        return {"score": 0, "reason": f"the answer has {len(numbers)} numbers, expected one"}
    if "/0" in numbers[0] or len(numbers[0]) > 64:
        return {"score": 0, "reason": "the answer is no number that can be compared"}
    given = Fraction(numbers[0].replace(",", ""))
    expected = Fraction(str(answer).replace(",", ""))
    return {"score": float(given == expected), "reason": f"answer {given}, expected {expected}"}
