export { kubernetes, type KubernetesOptions } from '../discovery/kubernetes.js'
