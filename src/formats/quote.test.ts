import { expect, it } from "vitest";
import { printable, quote } from "./quote.js";

it("leaves nothing that a terminal acts on, and turns no line around", () => {
  expect(quote('conv1 "a"\n层')).toBe('"conv1 \\"a\\"\\n层"');
  expect(quote("\x1b[2J\x7f\x9b\u202e\u2028\u{e0001}")).toBe(
    '"\\u001b[2J\\u007f\\u009b\\u202e\\u2028\\udb40\\udc01"',
  );
  expect(quote("x".repeat(1000))).toBe(`"${"x".repeat(100)}…"`);
  expect(printable("\u{1f469}\u200d\u{1f467} نمی\u200cدانم")).toBe(
    "\u{1f469}\u200d\u{1f467} نمی\u200cدانم",
  );
  expect(printable("two\nlines\tand \x1b")).toBe("two\nlines\\u0009and \\u001b");
});
