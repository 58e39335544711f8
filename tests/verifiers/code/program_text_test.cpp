#include "verifiers/code/program_text.h"

#include <gtest/gtest.h>

namespace assay::verifiers {
namespace {

std::string program(std::string_view completion, std::string_view entry = "f") {
  return std::string(extract_program(completion, "python", entry));
}

TEST(ProgramText, WithoutFencesItIsAllProgram) {
  EXPECT_EQ(program("def f():\n    return 1\n"), "def f():\n    return 1\n");
}

TEST(ProgramText, AFencedBlockIsTheProgramAndProseIsNot) {
  EXPECT_EQ(program("Sure:\n```python\nf = 1\n```\nDone."), "f = 1\n");
  EXPECT_EQ(program("```\nf = 1\n```"), "f = 1\n");
  EXPECT_EQ(program("   ```py\nf = 1\n   ```"), "f = 1\n");
}

TEST(ProgramText, OfSeveralBlocksTheLastThatHoldsTheEntryPointCounts) {
  EXPECT_EQ(program("```python\nf = 1\n```\n```python\nf = 2\n```\n```python\ng = 3\n```"),
            "f = 2\n");
  EXPECT_EQ(program("```python\na = 1\n```\n```python\nb = 2\n```"), "b = 2\n");
}

TEST(ProgramText, BlocksOfOtherLanguagesAreNotIt) {
  EXPECT_EQ(program("```bash\nf\n```\n```python\nf = 1\n```\n```text\nf\n```"), "f = 1\n");
  EXPECT_EQ(extract_program("```python\nf\n```\n```c++\nint f;\n```", "cpp", ""), "int f;\n");
}

TEST(ProgramText, WhatStandsBeforeTheLastThoughtEndsIsNotIt) {
  EXPECT_EQ(program("<think>```python\nf = 0\n```</think>\n```python\nf = 1\n```"), "f = 1\n");
  EXPECT_EQ(program("thought</think>f = 1"), "f = 1");
}

TEST(ProgramText, AnUnclosedBlockEndsWithTheText) {
  EXPECT_EQ(program("```python\nf = 1\n"), "f = 1\n");
  EXPECT_EQ(program("```python"), "```python");
}

TEST(ProgramText, FencesInsideAnIndentedDocstringAreText) {
  const std::string text = "def f():\n    '''\n    ```\n    x\n    ```\n    '''\n    return 1\n";
  EXPECT_EQ(program(text), text);
}

TEST(ProgramText, ACompletionMayGoOnWhereThePromptStops) {
  const std::string prompt = "def f(x):\n    \"\"\"Twice.\"\"\"\n";
  EXPECT_EQ(continued_program(prompt, "    return 2 * x\n", "    return 2 * x\n", "f"),
            prompt + "    return 2 * x\n");
  EXPECT_EQ(continued_program(prompt, "def f(x): return 1", "def f(x): return 1", "f"),
            "def f(x): return 1");
  EXPECT_EQ(continued_program("Write f.", "x = 1", "x = 1", "f"), "x = 1");
}

}  // namespace
}  // namespace assay::verifiers
