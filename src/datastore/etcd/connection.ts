/** gRPC to whichever endpoint of an etcd cluster answers. */
import { isIP } from 'node:net';
import { checkServerIdentity as checkIdentity, type PeerCertificate } from 'node:tls';
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  connectivityState,
  credentials,
  Metadata,
} from '@grpc/grpc-js';
import { failure, isInvalidToken, isUnreachable, noLeader } from './failure.ts';
import { decodeAuthenticate, decodeStatusHasLeader, encodeAuthenticate } from './messages.ts';
import { type Endpoint, type EtcdOptions, parseEndpoint } from './options.ts';

export type WatchStream = ClientDuplexStream<Buffer, Buffer>;

const STATUS = '/etcdserverpb.Maintenance/Status';
const AUTHENTICATE = '/etcdserverpb.Auth/Authenticate';
const WATCH = '/etcdserverpb.Watch/Watch';

const CHANNEL_OPTIONS = {
  // A range is paged by number of items, and an item may be 1.5 MiB; a batch of a watch's events is not ours to limit.
  'grpc.max_receive_message_length': -1,
  'grpc.keepalive_permit_without_calls': 1,
  // A proxy for the web is no way to a datastore.
  'grpc.enable_http_proxy': 0,
};

const DEFAULT_TIMEOUT = 4_500;
const DEFAULT_SILENCE = 15_000;
/** Head start of an endpoint before the next one is tried beside it. */
const STAGGER = 250;

export class Connection {
  readonly #options: EtcdOptions;
  readonly #endpoints: Endpoint[];
  readonly #timeout: number;
  #client: Client | null = null;
  #connecting: Promise<Client> | null = null;
  /** Have not answered yet. */
  #asked: Client[] = [];
  #token: string | null = null;
  #closed = false;

  constructor(options: EtcdOptions) {
    this.#options = options;
    this.#endpoints = options.endpoints.map(parseEndpoint);
    this.#timeout = options.timeout ?? DEFAULT_TIMEOUT;
  }

  /**
   * One request. `repeatable`: it changes nothing, so it may be sent again to another endpoint when the answer of the
   * first does not come. `patience`: how long the answer may take once there is a connection. Throws E_DATASTORE.
   */
  async call(path: string, request: Buffer, options: { repeatable: boolean; patience?: number }): Promise<Buffer> {
    const deadline = Date.now() + this.#timeout;
    for (let attempt = 1; ; attempt++) {
      const client = await this.#connected(deadline);
      const limit = Math.max(deadline, Date.now() + (options.patience ?? 0));
      try {
        return await unary(client, path, request, this.#metadata(), limit);
      } catch (error) {
        // Watches go down with a connection that is dropped, so that this is for when there is another to go to.
        if (isUnreachable(error) && this.#endpoints.length > 1) this.#drop(client);
        if (isInvalidToken(error)) this.#token = null;
        const again = isInvalidToken(error) || (isUnreachable(error) && options.repeatable && Date.now() < deadline);
        if (!again || attempt === 3) throw failure(error, this.#subject());
      }
    }
  }

  /** One request and its answer, of a method that would take and give a stream of them. Throws E_DATASTORE. */
  async exchange(path: string, request: Buffer): Promise<Buffer> {
    const deadline = Date.now() + this.#timeout;
    const client = await this.#connected(deadline);
    const stream = client.makeBidiStreamRequest(path, same, same, this.#metadata(), { deadline });
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    stream.on('data', resolve);
    stream.on('error', (error) => {
      if (isInvalidToken(error)) this.#token = null;
      reject(failure(error, this.#subject()));
    });
    stream.on('end', () => reject(failure(new Error('no answer'), this.#subject())));
    stream.end(request);
    return promise;
  }

  /** A stream of watch messages. It ends with an error where the connection does. Throws E_DATASTORE. */
  async watchStream(): Promise<WatchStream> {
    const client = await this.#connected(Date.now() + this.#timeout);
    return client.makeBidiStreamRequest(WATCH, same, same, this.#metadata(), {});
  }

  /** Authenticates anew before the next request. */
  forgetToken(): void {
    this.#token = null;
  }

  close(): void {
    this.#closed = true;
    this.#client?.close();
    this.#client = null;
    for (const client of this.#asked) client.close();
  }

  async #connected(deadline: number): Promise<Client> {
    const usable = this.#client?.getChannel().getConnectivityState(false) === connectivityState.READY;
    const current = usable ? this.#client : null;
    if (current && (this.#token !== null || !this.#options.username)) return current;
    this.#connecting ??= this.#connect(current, deadline).finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #connect(current: Client | null, deadline: number): Promise<Client> {
    try {
      const client = current ?? (await this.#anyEndpoint(deadline));
      await this.#authenticate(client, deadline);
      return client;
    } catch (error) {
      throw failure(error, this.#subject());
    }
  }

  /** The first endpoint that answers; each has a head start over the next, so that the order given is heeded. */
  async #anyEndpoint(deadline: number): Promise<Client> {
    if (this.#closed) throw new Error('the connection is closed');
    if (this.#client) this.#drop(this.#client);
    this.#asked = [];
    const clients = this.#asked;
    const attempts = this.#endpoints.map(async (endpoint, i) => {
      await delay(i * STAGGER, () => this.#client !== null);
      if (this.#client || this.#closed) throw new Error('another endpoint answered');
      const client = new Client(endpoint.address, ...this.#channel(endpoint));
      clients.push(client);
      const status = await unary(client, STATUS, Buffer.alloc(0), new Metadata(), deadline);
      if (!decodeStatusHasLeader(status)) throw noLeader(endpoint.address);
      if (!this.#closed) this.#client ??= client;
    });
    try {
      await Promise.any(attempts);
    } catch (error) {
      throw (error as AggregateError).errors[0];
    } finally {
      for (const client of clients) if (client !== this.#client) client.close();
    }
    if (!this.#client) throw new Error('the connection is closed');
    return this.#client;
  }

  async #authenticate(client: Client, deadline: number): Promise<void> {
    const { username, password } = this.#options;
    if (!username || this.#token !== null) return;
    const request = encodeAuthenticate(username, password ?? '');
    this.#token = decodeAuthenticate(await unary(client, AUTHENTICATE, request, new Metadata(), deadline));
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    // A member cut off from its cluster refuses then, in place of waiting for a leader.
    metadata.set('hasleader', 'true');
    if (this.#token) metadata.set('token', this.#token);
    return metadata;
  }

  #channel({ host, secure }: Endpoint): [ChannelCredentials, ChannelOptions] {
    const silence = this.#options.silence ?? DEFAULT_SILENCE;
    const alive = { 'grpc.keepalive_time_ms': (silence * 2) / 3, 'grpc.keepalive_timeout_ms': silence / 3 };
    const options = { ...CHANNEL_OPTIONS, ...alive };
    if (!secure) return [credentials.createInsecure(), options];
    const pem = (text: string | undefined) => (text ? Buffer.from(text) : null);
    const { ca, key, cert } = this.#options;
    if (isIP(host) === 0) return [credentials.createSsl(pem(ca), pem(key), pem(cert)), options];
    // grpc-js would send the address as the server's name, which Node (rightly) refuses: send some name, check the address.
    const checkServerIdentity = (_: string, certificate: PeerCertificate) => checkIdentity(host, certificate);
    const secured = credentials.createSsl(pem(ca), pem(key), pem(cert), { checkServerIdentity });
    return [secured, { ...options, 'grpc.ssl_target_name_override': 'etcd' }];
  }

  #drop(client: Client): void {
    if (this.#client === client) this.#client = null;
    client.close();
  }

  #subject(): string {
    return this.#options.endpoints.join(',');
  }
}

function unary(client: Client, path: string, request: Buffer, metadata: Metadata, deadline: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, request, metadata, { deadline }, (error, answer) => {
      if (error) reject(error);
      else resolve(answer ?? Buffer.alloc(0));
    });
  });
}

const same = (bytes: Buffer): Buffer => bytes;

/** Waits, but no longer than until `done`. */
async function delay(milliseconds: number, done: () => boolean): Promise<void> {
  const end = Date.now() + milliseconds;
  while (Date.now() < end && !done()) await new Promise((resolve) => setTimeout(resolve, Math.min(25, milliseconds)));
}
