// Why something did not happen. Kinds and cases are few and fixed by the WIT, so that a host can tell a refusal from a
// bug without reading words.

/** What kind of failure it is (`interlock:tool/tools.error-kind`). */
export const ErrorKind = Object.freeze({
  INVALID_ARGUMENTS: "invalid-arguments",
  UNKNOWN_TOOL: "unknown-tool",
  DENIED: "denied",
  FAILED: "failed",
});

const WORDS = {
  denied: "denied",
  "not-found": "not found",
  invalid: "invalid",
  conflict: "the world moved",
  failed: "failed",
};

/**
 * Why a capability call did not do what was asked. `case` is the WIT's name of it: `denied`, `not-found`, `invalid`,
 * `conflict` (the world moved between looking and acting) or `failed`; `text` is what the host said.
 */
export class CapabilityError extends Error {
  constructor(of, text) {
    super(`${WORDS[of] ?? of}: ${text}`);
    this.name = "CapabilityError";
    this.case = of;
    this.text = text;
  }
}

/** Why a tool did not return a result: a kind, one sentence for the caller, and details (what JSON can say) if any. */
export class ToolError extends Error {
  constructor(message, { kind = ErrorKind.FAILED, details, cause } = {}) {
    super(String(message), { cause });
    if (!Object.values(ErrorKind).includes(kind)) {
      throw new TypeError(`\`${kind}\` is no kind of failure; see \`ErrorKind\``);
    }
    this.name = "ToolError";
    this.kind = kind;
    this.details = details;
  }

  /** The caller sent arguments that make no sense; say which and what would. */
  static invalidArguments(message) {
    return new ToolError(message, { kind: ErrorKind.INVALID_ARGUMENTS });
  }

  /** The host refused something that the tool needs. */
  static denied(message) {
    return new ToolError(message, { kind: ErrorKind.DENIED });
  }

  /**
   * A capability's error as a tool's: a denial stays a denial; everything else is a failure whose details name the
   * capability's case. Any other error is a mistake of the plugin: it comes back as it is, to be thrown on.
   */
  static of(error) {
    if (!(error instanceof CapabilityError)) return error;
    if (error.case === "denied") return new ToolError(error.text, { kind: ErrorKind.DENIED, cause: error });
    return new ToolError(error.message, { details: { error: error.case }, cause: error });
  }

  /** The same, with what was being done in front: `reading the ledger: no such file`. */
  context(doing) {
    return new ToolError(`${doing}: ${this.message}`, { kind: this.kind, details: this.details, cause: this });
  }
}
