/** Counts and shares as upstream prints them: with Go's %.5g and %.f%%. */

const DIGITS = 5;

/** Five significant digits; from 100,000 on as `1.0486e+06`. */
export function count(value: number): string {
  const [digits = '', exponent = ''] = value.toExponential(DIGITS - 1).split('e');
  if (Number(exponent) < DIGITS) return String(Number(value.toPrecision(DIGITS)));
  return `${String(Number(digits))}e+${exponent.slice(1).padStart(2, '0')}`;
}

/** `5 (2%)`: whole percents, halves to the even one, so that two shares of a whole make 100. */
export function share(part: number, whole: number): string {
  return `${count(part)} (${halfToEven((100 * part) / whole)}%)`;
}

function halfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest === 0.5 ? below + (below % 2) : Math.round(value);
}
