/** Which interface has which bandwidth limits: those of the endpoint that owns it. */
import type { LocalWorkload } from '../calc/index.ts';
import type { QdiscDriver } from '../drivers/qdiscs/index.ts';

export class Bandwidths {
  readonly #qdiscs: QdiscDriver;

  constructor(qdiscs: QdiscDriver) {
    this.#qdiscs = qdiscs;
  }

  /** Undefined: nobody has the interface any more. */
  set(interfaceName: string, owner: LocalWorkload | undefined): void {
    const qos = owner?.endpoint.qos;
    const ingress = qos?.ingress.bandwidth;
    const egress = qos?.egress.bandwidth;
    if (!ingress && !egress) this.#qdiscs.removeDesired(interfaceName);
    else this.#qdiscs.setDesired(interfaceName, { ...(ingress && { ingress }), ...(egress && { egress }) });
  }
}
