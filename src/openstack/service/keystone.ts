/** Keystone: a token for Neutron, and what projects are called. */
import { type Answer, ask, refusal } from './http.ts';
import type { Project } from './neutron.ts';

export interface Credentials {
  /** Ends in /v3. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly project: string;
  readonly userDomain: string;
  readonly projectDomain: string;
}

/** A token is renewed so long before it expires. */
const RENEW_BEFORE_MS = 120_000;
/** A project that is not known is asked for again after this time. */
const UNKNOWN_MS = 60_000;

interface Token {
  readonly text: string;
  readonly expires: number;
  readonly roles: readonly string[];
}

export class Keystone {
  readonly #credentials: Credentials;
  #token: Token | undefined;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** Errors: E_DATASTORE. */
  async token(): Promise<Token> {
    if (this.#token && this.#token.expires - Date.now() > RENEW_BEFORE_MS) return this.#token;
    const { url, username, password, project, userDomain, projectDomain } = this.#credentials;
    const user = { name: username, password, domain: { name: userDomain } };
    const scope = { project: { name: project, domain: { name: projectDomain } } };
    const auth = { identity: { methods: ['password'], password: { user } }, scope };
    const where = `${url}/auth/tokens`;
    const headers = { 'content-type': 'application/json' };
    const answer = await ask(where, { method: 'POST', headers, body: JSON.stringify({ auth }) });
    const text = answer.headers.get('x-subject-token');
    if (answer.status !== 201 || !text) throw refusal(where, answer);
    const { expires_at, roles } = (answer.body as { token: { expires_at: string; roles?: { name: string }[] } }).token;
    this.#token = { text, expires: Date.parse(expires_at), roles: (roles ?? []).map(({ name }) => name) };
    return this.#token;
  }

  /** The next call asks for a new one. */
  forgetToken(): void {
    this.#token = undefined;
  }

  /** Null for one that Keystone does not know. Errors: E_DATASTORE. */
  async project(id: string): Promise<Project | null> {
    const where = `${this.#credentials.url}/projects/${encodeURIComponent(id)}`;
    const answer = await this.#get(where);
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw refusal(where, answer);
    return (answer.body as { project: Project }).project;
  }

  async projects(): Promise<Project[]> {
    const where = `${this.#credentials.url}/projects`;
    const answer = await this.#get(where);
    if (answer.status !== 200) throw refusal(where, answer);
    return (answer.body as { projects: Project[] }).projects;
  }

  async #get(url: string): Promise<Answer> {
    const asked = async () => ask(url, { headers: { 'x-auth-token': (await this.token()).text } });
    const answer = await asked();
    if (answer.status !== 401) return answer;
    this.forgetToken();
    return asked();
  }
}

/** Projects by id, asked for when they are needed. An endpoint does not wait for a Keystone that does not answer. */
export class Projects {
  readonly #keystone: Keystone | null;
  readonly #known = new Map<string, Project>();
  readonly #unknownSince = new Map<string, number>();
  readonly #onError: (error: unknown) => void;

  constructor(keystone: Keystone | null, onError: (error: unknown) => void) {
    this.#keystone = keystone;
    this.#onError = onError;
  }

  /** Asks for all of them at once. */
  async refresh(): Promise<void> {
    try {
      for (const project of (await this.#keystone?.projects()) ?? []) this.#known.set(project.id, project);
    } catch (error) {
      this.#onError(error);
    }
  }

  /** What is known of it: at least its id. */
  async get(id: string): Promise<Project> {
    const known = this.#known.get(id);
    if (known || !this.#keystone || Date.now() - (this.#unknownSince.get(id) ?? 0) < UNKNOWN_MS) return known ?? { id };
    try {
      const found = await this.#keystone.project(id);
      if (found) this.#known.set(id, found);
      else this.#unknownSince.set(id, Date.now());
      return found ?? { id };
    } catch (error) {
      this.#unknownSince.set(id, Date.now());
      this.#onError(error);
      return { id };
    }
  }
}
