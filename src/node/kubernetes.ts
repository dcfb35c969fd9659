/** The one question that a node has for Kubernetes: which addresses does it have there? */
import { readFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { get as httpsGet, type RequestOptions } from 'node:https';
import { text } from 'node:stream/consumers';
import { CalicoError } from '../errors/index.ts';
import { type Ip, parseIp } from '../net/index.ts';
import type { Environment } from './variables.ts';

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const TIMEOUT_MS = 10_000;

/**
 * The addresses of type InternalIP of the Kubernetes Node, in its order. The API is that of K8S_API_ENDPOINT, or of the
 * cluster that this program runs in. E_CONFIG: there is neither. E_NOT_FOUND: it does not tell.
 */
export async function internalAddresses(env: Environment, node: string): Promise<Ip[]> {
  const inside =
    env.KUBERNETES_SERVICE_HOST &&
    `https://${inUrl(env.KUBERNETES_SERVICE_HOST)}:${env.KUBERNETES_SERVICE_PORT || 443}`;
  const endpoint = env.K8S_API_ENDPOINT || inside;
  if (!endpoint)
    throw new CalicoError('E_CONFIG', 'kubernetes-internal-ip', 'this program does not run in Kubernetes', {
      hint: 'set K8S_API_ENDPOINT, K8S_CA_FILE and K8S_API_TOKEN, or use another method of autodetection',
    });
  const token = env.K8S_API_TOKEN || (inside ? read(`${ACCOUNT}/token`)?.toString().trim() : undefined);
  const ca = env.K8S_CA_FILE ? read(env.K8S_CA_FILE) : inside ? read(`${ACCOUNT}/ca.crt`) : undefined;
  const url = new URL(`/api/v1/nodes/${encodeURIComponent(node)}`, endpoint);
  const options = {
    timeout: TIMEOUT_MS,
    ...(token && { headers: { authorization: `Bearer ${token}` } }),
    ...(ca && { ca }),
  };
  const { status } = await ask(url, options);
  return (status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' && parseIp(address)) || []);
}

interface KubernetesNode {
  readonly status?: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] };
}

async function ask(url: URL, options: RequestOptions): Promise<KubernetesNode> {
  const failed = (message: string, cause?: unknown) =>
    new CalicoError('E_NOT_FOUND', url.href, `Kubernetes does not tell: ${message}`, { cause });
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'http:' ? httpGet : httpsGet)(url, options, async (response) => {
      try {
        if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
        resolve(JSON.parse(await text(response)) as KubernetesNode);
      } catch (error) {
        reject(failed((error as Error).message, error));
      } finally {
        response.resume();
      }
    });
    request.on('timeout', () => request.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`)));
    request.on('error', (error) => reject(failed(error.message, error)));
  });
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function read(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined; // the API then says that it does not know us
  }
}
