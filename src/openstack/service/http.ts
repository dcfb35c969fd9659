/** Questions to OpenStack's APIs. */
import { CalicoError } from '../../errors/index.ts';

const TIMEOUT_MS = 60_000;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** E_DATASTORE (subject: the URL) where nobody answers, or not in JSON. Any status is an answer. */
export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
  } catch (cause) {
    const hint = String((cause as Error).cause ?? cause);
    throw new CalicoError('E_DATASTORE', where(url), 'does not answer as it should', { hint, cause });
  }
}

/** E_DATASTORE: the API refuses. */
export function refusal(url: string, { status, body }: Answer): CalicoError {
  return new CalicoError('E_DATASTORE', where(url), `answers ${status}`, { hint: JSON.stringify(body).slice(0, 200) });
}

/** Without what was asked for, which may be long. */
function where(url: string): string {
  return url.replace(/\?.*/, '');
}
