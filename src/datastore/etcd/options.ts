/** What it takes to reach an etcd cluster. */
import { CalicoError } from '../../errors/index.ts';

export interface EtcdOptions {
  /** `http://host:port` or `https://host:port`, all of one kind; `unix:///path` of a socket. */
  readonly endpoints: readonly string[];
  readonly username?: string;
  readonly password?: string;
  /** PEM. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Until a request has failed, connecting included. Default 4500 ms. */
  readonly timeout?: number;
  /** Until a peer that has vanished without a word is given up. Default 15000 ms; etcd allows a ping every 5 s. */
  readonly silence?: number;
  /** Items a page of a list. Default 1000. */
  readonly pageSize?: number;
}

export interface Endpoint {
  /** `host:port`, or `unix:/path` */
  readonly address: string;
  readonly host: string;
  readonly secure: boolean;
}

/** E_CONFIG where it is no endpoint. */
export function parseEndpoint(text: string): Endpoint {
  const socket = /^unix:\/\/(\/\S+)$/.exec(text.trim());
  if (socket) return { address: `unix:${socket[1]}`, host: 'localhost', secure: false };
  const match = /^(https?):\/\/([^/\s]+?)\/?$/.exec(text.trim());
  const url = match && URL.canParse(text.trim()) ? new URL(text.trim()) : null;
  if (!url) {
    throw new CalicoError('E_CONFIG', 'etcdEndpoints', `not an endpoint: '${text}'`, {
      hint: 'endpoints look like http://192.168.0.1:2379, separated by commas',
    });
  }
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { address: `${url.hostname}:${url.port || (secure ? 443 : 80)}`, host, secure };
}
