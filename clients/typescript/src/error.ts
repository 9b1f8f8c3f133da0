/** Errors of this package: each names the field that is wrong and says what to do. */

/** An error that names its field. */
export class AssayError extends Error {
  /** The field that is wrong, such as `ceiling` or `input.image`. */
  readonly field: string;

  constructor(field: string, message: string) {
    super(`${field}: ${message}`);
    this.name = "AssayError";
    this.field = field;
  }
}
