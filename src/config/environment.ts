/** The datastore client's variables that say the same as a parameter of Felix, which wins when both are set. */
const CLIENT_VARIABLES: Readonly<Record<string, string>> = {
  DATASTORE_TYPE: 'datastoretype',
  ETCD_ENDPOINTS: 'etcdendpoints',
  ETCD_KEY_FILE: 'etcdkeyfile',
  ETCD_CERT_FILE: 'etcdcertfile',
  ETCD_CA_CERT_FILE: 'etcdcafile',
};

/** Parameters from `FELIX_<name>` variables, in any case; names come in lower case. */
export function parseEnvironment(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [variable, value] of Object.entries(environment)) {
    const [, name] = /^felix_(.*)$/.exec(variable.toLowerCase()) ?? [];
    if (name !== undefined && value !== undefined) values[name] = value;
  }
  return values;
}

/**
 * Parameters from `ETCD_ENDPOINTS` and the like, or `CALICO_ETCD_ENDPOINTS`, which wins. Upstream connects with these
 * and ignores `FELIX_ETCDENDPOINTS`; here both are heeded.
 */
export function parseClientEnvironment(environment: Readonly<Record<string, string>>): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [variable, name] of Object.entries(CLIENT_VARIABLES)) {
    const value = environment[`CALICO_${variable}`] ?? environment[variable];
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/**
 * The environment with those variables of the datastore client that it lacks, where it says the same as `FELIX_<name>`: so
 * that one environment serves every program of a host.
 */
export function clientEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const parameters = parseEnvironment(environment);
  const said = Object.entries(CLIENT_VARIABLES).map(([variable, name]) => [variable, parameters[name]] as const);
  return { ...Object.fromEntries(said.filter(([, value]) => value !== undefined)), ...environment };
}
