/** Manifests that several scenarios write alike. */

interface WorkloadOptions {
  annotations?: string;
  replicas?: number;
}

/**
 * A Deployment of one container with a service account of its own name, in namespace `shop`; `container` is YAML flow style, e.g.
 * `{name: app, image: debian}`. Begins with a document separator.
 */
export const workload = (name: string, container: string, { annotations = '', replicas = 1 }: WorkloadOptions = {}) => `
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: ${name}, namespace: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: shop}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}, annotations: {${annotations}}}
    spec:
      serviceAccountName: ${name}
      terminationGracePeriodSeconds: 5
      containers:
      - ${container}`;

/** The container of a web server on port `http` that answers every request with `text`. */
export const webContainer = (text: string) =>
  `{name: app, image: "buoyantio/bb:v0.0.6", args: [terminus, --h1-server-port=8080, --response-text=${text}], ports: [{name: http, containerPort: 8080}]}`;
