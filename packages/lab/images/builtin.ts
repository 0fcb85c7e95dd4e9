import { existsSync } from 'node:fs';
import type { ImageRecord } from './image-table.ts';

/** Runs its arguments, or curl with them when they are no program: what the curl image does. */
const CURL_OR_PROGRAM =
  'case "$1" in -*) set -- curl "$@" ;; *) command -v -- "$1" >/dev/null 2>&1 || set -- curl "$@" ;; esac; exec "$@"';

/** Waits, and ends when it is told to, as the real one: the first process of a pod's namespace ignores signals that it does not handle. */
const PAUSE = 'trap "exit 0" TERM INT; sleep infinity & wait';

const NGINX_CONF = `worker_processes 1;
daemon off;
pid /tmp/nginx.pid;
error_log stderr notice;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  access_log /dev/stdout;
  client_body_temp_path /tmp/client_body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  server { listen 80 default_server; location / { root /srv/www; index index.html; } }
}
`;
const NGINX_TYPES = 'types { text/html html htm; text/plain txt; application/json json; }\n';

/** Names for programs that the host has anyway. */
export function builtinImages(exists: (path: string) => boolean = existsSync): ImageRecord[] {
  const shell = ['busybox', 'alpine', 'debian', 'ubuntu', 'bash'];
  const images: ImageRecord[] = shell.map((name) => ({ name, entrypoint: [], cmd: ['sh'] }));
  images.push({ name: 'registry.k8s.io/pause', entrypoint: ['/bin/sh', '-c', PAUSE] });
  if (exists('/usr/bin/curl'))
    images.push({
      name: 'curlimages/curl',
      entrypoint: ['/bin/sh', '-c', CURL_OR_PROGRAM, 'curl'],
      cmd: ['--help'],
      user: { uid: 100, gid: 101 },
      workingDir: '/tmp',
    });
  if (exists('/usr/sbin/nginx'))
    images.push({
      name: 'nginx',
      entrypoint: ['/usr/sbin/nginx', '-c', '/etc/nginx/nginx.conf'],
      files: {
        '/etc/nginx/nginx.conf': NGINX_CONF,
        '/etc/nginx/mime.types': NGINX_TYPES,
        '/srv/www/index.html': '<!doctype html><title>Welcome to nginx!</title><h1>Welcome to nginx!</h1>\n',
      },
      folders: ['/var/log/nginx', '/var/lib/nginx'],
    });
  return images;
}
