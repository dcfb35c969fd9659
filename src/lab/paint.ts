/** Colours, where a terminal shows them. */
import { styleText } from 'node:util';

export function paint(text: string, color: 'red' | 'green'): string {
  return styleText(color, text, { stream: process.stdout });
}
