/** The host that this process runs on, as autodetection asks it. */
import { createSocket } from 'node:dgram';
import { CalicoError } from '../errors/index.ts';
import { type Family, type Ip, parseIp } from '../net/index.ts';
import type { Host } from './autodetect.ts';
import { hostInterfaces } from './interfaces.ts';
import { internalAddresses } from './kubernetes.ts';
import type { Environment } from './variables.ts';

export function thisHost(env: Environment, node: string): Host {
  return {
    interfaces: hostInterfaces,
    sourceTowards,
    internalAddresses: () => internalAddresses(env, env.CALICO_K8S_NODE_REF || node),
  };
}

/** Connecting a datagram socket sends nothing: it only has the kernel choose the route and the address. */
async function sourceTowards(destination: string, family: Family): Promise<Ip> {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(80, destination, () => resolve());
    });
    const address = parseIp(socket.address().address);
    if (address) return address;
    throw new Error('the kernel names no address');
  } catch (cause) {
    throw new CalicoError('E_NOT_FOUND', `can-reach=${destination}`, `there is no IPv${family} way to it`, {
      hint: (cause as Error).message,
      cause,
    });
  } finally {
    socket.close();
  }
}
