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

/**
 * An application in the meshed namespace `shop`: the Service `web` on port 80 in front of the workload `web`, and `more`. `annotations`
 * are further ones of the namespace, in YAML flow style.
 */
export const shop = (more: string, annotations = '') => `
apiVersion: v1
kind: Namespace
metadata: {name: shop, annotations: {linkerd.io/inject: enabled${annotations && `, ${annotations}`}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
${more}`;

/** The container of a web server on port `http` that answers every request with `text`. */
export const webContainer = (text: string) =>
  `{name: app, image: "buoyantio/bb:v0.0.6", args: [terminus, --h1-server-port=8080, --response-text=${text}], ports: [{name: http, containerPort: 8080}]}`;
