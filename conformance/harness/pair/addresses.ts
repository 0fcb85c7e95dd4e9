/** Where everything stands: two network namespaces, one cable, no route out. */

export const CLIENT_NS = 'client';
export const SERVER_NS = 'server';
export const CLIENT_IP = '10.99.0.1';
export const SERVER_IP = '10.99.0.2';
/** The Service that applications at the client's side connect to; nobody has this address, iptables takes it to the proxy. */
export const SERVICE_IP = '10.96.0.10';
export const SERVICE_HOST = 'server.pair.svc.cluster.local';
export const CLIENT_NAME = 'client.pair.serviceaccount.identity.linkerd.cluster.local';
export const SERVER_NAME = 'server.pair.serviceaccount.identity.linkerd.cluster.local';
/** The uid that the redirection leaves alone. */
export const PROXY_UID = 2102;
export const INBOUND_PORT = 4143;
export const OUTBOUND_PORT = 4140;
export const ADMIN_PORT = 4191;
/** Of the scripted control plane, on loopback of each namespace. */
export const CONTROL_PORT = 8086;
/** Ports of the server that programs at the client's side reach past their own proxy, as a client without a mesh does. */
export const DIRECT_PORTS = '8000-8999';
/** Ports at the server's side that the redirection leaves alone: for other proxies to compare with. */
export const PEER_PORTS = '9100-9399';
