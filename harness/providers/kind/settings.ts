/** How kind clusters get their images. */
export interface KindSettings {
  /** `built`: made here from components, works with no registry; `published`: kind's and Kubernetes' own, pulled. */
  images: 'built' | 'published';
  /** Takes the place of the public registries' hosts, for a mirror: `127.0.0.1:5000`. */
  registry?: string;
}
