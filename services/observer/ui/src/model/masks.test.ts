import { expect, test } from "vitest";
import { masksOf } from "./masks";

test("a mask is told from a value that only looks like one", () => {
  const isMask = masksOf(["email", "payer.cardNumber"]);
  expect(isMask("email", "[masked]")).toBe(true);
  expect(isMask("cardNumber", "***")).toBe(true);
  expect(isMask("email", "ada")).toBe(false);
  expect(isMask("comment", "***")).toBe(false);
  expect(isMask(undefined, "***")).toBe(false);
});
