/** A host that is only said to be there, for tests. */
import { familyOf, ip } from '../../net/index.ts';
import type { Host } from '../autodetect.ts';
import type { HostInterface } from '../interfaces.ts';

type Described = Partial<Omit<HostInterface, 'addresses'>> & {
  readonly name: string;
  readonly has?: readonly string[];
};

/** `has`: `10.0.0.1/24`. */
export function fakeInterface({ has = [], ...fields }: Described): HostInterface {
  const addresses = has.map((text) => {
    const [address, length] = text.split('/') as [string, string];
    return { family: familyOf(address), address: ip(address), prefixLength: Number(length) };
  });
  return { kind: '', up: true, defaultRoutes: [], ...fields, addresses };
}

/** `sources`: destination → the address that packets to it leave with. `internal`: what Kubernetes says. */
export function fakeHost(
  interfaces: readonly Described[],
  { sources = {}, internal = [] }: { sources?: Record<string, string>; internal?: readonly string[] } = {},
): Host {
  return {
    interfaces: () => interfaces.map(fakeInterface),
    sourceTowards: async (destination) => ip(sources[destination] as string),
    internalAddresses: async () => internal.map(ip),
  };
}
