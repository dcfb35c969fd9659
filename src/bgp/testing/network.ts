/** Networks for tests, from resources as they are stored. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode, resourceKey } from '../../datastore/index.ts';
import type { IPAMBlock, Update } from '../../model/index.ts';
import { cidr } from '../../net/index.ts';
import { NetworkState } from '../network.ts';
import { type Rendered, type RenderOptions, renderConfig } from '../render.ts';

/** The update that a stored resource is. Throws when it cannot be read. */
export function stored(kind: string, name: string, spec: object, metadata: object = {}): Update {
  const key = resourceKey(`${kind.toLowerCase()}s`, name);
  const update = decode(key, JSON.stringify({ kind, metadata: { name, ...metadata }, spec }));
  if (!update || update.invalid) throw new Error(`${kind} ${name}: ${update?.invalid?.reason}`);
  return update;
}

/** A node with a name and addresses: `10.1.0.1/24`. */
export function node(name: string, bgp: object, labels: object = {}): Update {
  return stored('Node', name, { bgp }, { labels });
}

export function block(prefix: string, host: string): Update {
  const id = { kind: 'IPAMBlock', name: prefix } as const;
  const value: IPAMBlock = { id, cidr: cidr(prefix), host, borrowed: new Map() };
  return { id, value };
}

export function networkOf(...updates: Update[]): NetworkState {
  const network = new NetworkState();
  network.apply(updates);
  return network;
}

/** The secrets that tests have: of each name, every key holds `password-of-<name>`, but for `missing`. */
const options = (name: string): RenderOptions => ({
  node: name,
  interfacePrefixes: ['cali'],
  password: (ref) => (ref.name === 'missing' ? null : `password-of-${ref.name}`),
});

export function rendered(network: NetworkState, name: string, rest: Partial<RenderOptions> = {}): Rendered {
  const result = renderConfig(network, { ...options(name), ...rest });
  if (!result) throw new Error(`nothing to render for ${name}`);
  return result;
}

/** What BIRD says of the configuration; empty when it takes it. */
export function objections(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'bird-'));
  try {
    writeFileSync(join(directory, 'bird.conf'), text);
    execFileSync('bird', ['-p', '-c', join(directory, 'bird.conf')], { stdio: 'pipe' });
    return '';
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
