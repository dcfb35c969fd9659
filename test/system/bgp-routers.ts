/** Routers that are not ours: FRR and GoBGP, as somebody else would set them up. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Fabric } from './bgp-fabric.ts';
import { sh } from './own-namespace.ts';

const FRR = '/usr/lib/frr';

/** FRR on a host of the fabric: zebra, which sets routes in the kernel, and bgpd with this configuration. */
export class Frr {
  readonly #fabric: Fabric;
  readonly #name: string;

  constructor(fabric: Fabric, name: string, configuration: string) {
    this.#fabric = fabric;
    this.#name = name;
    const at = (file: string) => fabric.path(name, file);
    writeFileSync(at('zebra.conf'), '');
    writeFileSync(at('bgpd.conf'), configuration);
    // FRR's programs give root's rights up, and must reach their folder all the same.
    sh(`chmod 755 ${fabric.directory}; chown -R frr:frr ${fabric.path(name)}`);
    const common = ['-z', at('zserv'), '--vty_socket', fabric.path(name), '-P', '0'];
    fabric.start(name, 'zebra.log', `${FRR}/zebra`, [...common, '-f', at('zebra.conf'), '-i', at('zebra.pid')]);
    // bgpd gives up when zebra is not there yet.
    sh(`for i in $(seq 100); do [ -S ${at('zserv')} ] && break; sleep 0.05; done`);
    fabric.start(name, 'bgpd.log', `${FRR}/bgpd`, [...common, '-f', at('bgpd.conf'), '-i', at('bgpd.pid')]);
  }

  show(command: string): string {
    return sh(`vtysh --vty_socket ${this.#fabric.path(this.#name)} -c '${command}'`);
  }

  /** Destinations in its table that came from others. */
  destinations(): string[] {
    const of = (family: string) => Object.entries(this.#table(family)).filter(([, paths]) => paths[0]?.path !== '');
    return [...of('ipv4'), ...of('ipv6')].map(([prefix]) => prefix).sort();
  }

  #table(family: string): Record<string, { path: string }[]> {
    return JSON.parse(this.show(`show bgp ${family} unicast json`)).routes ?? {};
  }

  /** Communities of a route. */
  communities(prefix: string): string[] {
    const { paths } = JSON.parse(this.show(`show bgp ipv4 unicast ${prefix} json`)) as {
      paths: { community?: { list: string[] }; largeCommunity?: { list: string[] } }[];
    };
    return paths.flatMap(({ community, largeCommunity }) => [
      ...(community?.list ?? []),
      ...(largeCommunity?.list ?? []),
    ]);
  }
}

/** GoBGP on a host of the fabric. */
export class GoBgp {
  readonly #fabric: Fabric;
  readonly #name: string;

  constructor(fabric: Fabric, name: string, configuration: object) {
    this.#fabric = fabric;
    this.#name = name;
    const file = fabric.path(name, 'gobgpd.json');
    writeFileSync(file, JSON.stringify(configuration));
    fabric.start(name, 'gobgpd.log', 'gobgpd', ['-t', 'json', '-f', file, '--api-hosts', '127.0.0.1:50051']);
  }

  ctl(args: string): string {
    return this.#fabric.in(this.#name, `exec gobgp ${args}`);
  }

  /** Destinations in its table that came from others. */
  destinations(family: 'ipv4' | 'ipv6' = 'ipv4'): string[] {
    const table = JSON.parse(this.ctl(`global rib -a ${family} -j`)) as Record<string, { 'source-id'?: string }[]>;
    return Object.entries(table)
      .filter(([, paths]) => paths.some((path) => path['source-id'] !== undefined && path['source-id'] !== '<nil>'))
      .map(([prefix]) => prefix)
      .sort();
  }
}

/** What a program prints from here on, line by line. */
export class Watched {
  readonly #log: string;
  #seen = 0;

  constructor(fabric: Fabric, name: string, log: string, program: string, args: string[]) {
    this.#log = fabric.path(name, log);
    fabric.start(name, log, program, args);
  }

  /** Lines since it was last asked. */
  news(): string[] {
    const lines = readFileSync(this.#log, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    const news = lines.slice(this.#seen);
    this.#seen = lines.length;
    return news;
  }
}
