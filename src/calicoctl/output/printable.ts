/** Texts of a datastore or a file on a terminal. */

/**
 * Control characters as `\xHH`: what others wrote into a resource must neither move the cursor nor colour, hide or rename
 * anything, nor break a line of a table.
 */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`);
}
