/** What is to be in the datastore under a key. */
export interface Record {
  readonly key: string;
  readonly value: object;
}

export interface StoredResource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<{ [name: string]: string | null }>;
    readonly annotations?: Readonly<{ [name: string]: string }>;
    readonly uid?: string;
    readonly creationTimestamp?: string;
  };
  readonly spec: object;
}
