/**
 * Custom resources of the mesh and routes of the Gateway API, in the versions that are stored. Made by `npm run generate` from
 * packages/cli/manifests/crds; do not edit.
 */
import type { KubeObject } from './meta.ts';

/** ServiceProfile, linkerd.io/v1alpha2. */
export interface ServiceProfile extends KubeObject {
  spec?: {
    routes?: {
      name: string;
      condition: {
        pathRegex?: string;
        method?: string;
        all?: (Record<string, unknown>)[];
        any?: (Record<string, unknown>)[];
        not?: Record<string, unknown>;
      };
      isRetryable?: boolean;
      timeout?: string;
      responseClasses?: {
        condition: {
          status?: {
            min?: number;
            max?: number;
          };
          all?: (Record<string, unknown>)[];
          any?: (Record<string, unknown>)[];
          not?: Record<string, unknown>;
        };
        isFailure?: boolean;
      }[];
    }[];
    retryBudget?: {
      retryRatio: number;
      minRetriesPerSecond: number;
      ttl: string;
    };
    dstOverrides?: {
      authority?: string;
      weight?: number | string;
    }[];
    opaquePorts?: string[];
  };
}

/** Server, policy.linkerd.io/v1beta3. */
export interface Server extends KubeObject {
  spec: {
    podSelector?: {
      matchLabels?: Record<string, string>;
      matchExpressions?: {
        key: string;
        operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
        values?: string[];
      }[];
    };
    externalWorkloadSelector?: {
      matchLabels?: Record<string, string>;
      matchExpressions?: {
        key: string;
        operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
        values?: string[];
      }[];
    };
    port: number | string;
    proxyProtocol?: string;
    accessPolicy?: string;
  };
}

/** ServerAuthorization, policy.linkerd.io/v1beta1. */
export interface ServerAuthorization extends KubeObject {
  spec: {
    server: {
      name?: string;
      selector?: {
        matchLabels?: Record<string, string>;
        matchExpressions?: {
          key: string;
          operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
          values?: string[];
        }[];
      };
    };
    client: {
      networks?: {
        cidr: string;
        except?: string[];
      }[];
      unauthenticated?: boolean;
      meshTLS?: {
        unauthenticatedTLS?: boolean;
        identities?: string[];
        serviceAccounts?: {
          name: string;
          namespace?: string;
        }[];
      };
    };
  };
}

/** AuthorizationPolicy, policy.linkerd.io/v1alpha1. */
export interface AuthorizationPolicy extends KubeObject {
  spec: {
    targetRef: {
      group?: string;
      kind: string;
      name: string;
    };
    requiredAuthenticationRefs: {
      group?: string;
      kind: string;
      name: string;
      namespace?: string;
    }[];
  };
}

/** MeshTLSAuthentication, policy.linkerd.io/v1alpha1. */
export interface MeshTLSAuthentication extends KubeObject {
  spec: {
    identities?: string[];
    identityRefs?: {
      group?: string;
      kind: string;
      name?: string;
      namespace?: string;
    }[];
  };
}

/** NetworkAuthentication, policy.linkerd.io/v1alpha1. */
export interface NetworkAuthentication extends KubeObject {
  spec: {
    networks: {
      cidr: string;
      except?: string[];
    }[];
  };
}

/** HTTPRoute, policy.linkerd.io/v1beta3. */
export interface PolicyHTTPRoute extends KubeObject {
  spec: {
    parentRefs?: {
      group?: string;
      kind?: string;
      namespace?: string;
      name: string;
      sectionName?: string;
      port?: number;
    }[];
    hostnames?: string[];
    rules?: {
      matches?: {
        path?: {
          type?: 'Exact' | 'PathPrefix' | 'RegularExpression';
          value?: string;
        };
        headers?: {
          type?: 'Exact' | 'RegularExpression';
          name: string;
          value: string;
        }[];
        queryParams?: {
          type?: 'Exact' | 'RegularExpression';
          name: string;
          value: string;
        }[];
        method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'CONNECT' | 'OPTIONS' | 'TRACE' | 'PATCH';
      }[];
      filters?: {
        type: 'RequestHeaderModifier' | 'RequestRedirect';
        requestHeaderModifier?: {
          set?: {
            name: string;
            value: string;
          }[];
          add?: {
            name: string;
            value: string;
          }[];
          remove?: string[];
        };
        requestRedirect?: {
          scheme?: 'http' | 'https';
          hostname?: string;
          path?: {
            type: 'ReplaceFullPath' | 'ReplacePrefixMatch';
            replaceFullPath?: string;
            replacePrefixMatch?: string;
          };
          port?: number;
          statusCode?: 301 | 302;
        };
      }[];
      backendRefs?: {
        group?: string;
        kind?: string;
        name: string;
        namespace?: string;
        port?: number;
        weight?: number;
        filters?: {
          type: 'RequestHeaderModifier' | 'ResponseHeaderModifier' | 'RequestRedirect';
          requestHeaderModifier?: {
            set?: {
              name: string;
              value: string;
            }[];
            add?: {
              name: string;
              value: string;
            }[];
            remove?: string[];
          };
          responseHeaderModifier?: {
            set?: {
              name: string;
              value: string;
            }[];
            add?: {
              name: string;
              value: string;
            }[];
            remove?: string[];
          };
          requestRedirect?: {
            scheme?: 'http' | 'https';
            hostname?: string;
            path?: {
              type: 'ReplaceFullPath' | 'ReplacePrefixMatch';
              replaceFullPath?: string;
              replacePrefixMatch?: string;
            };
            port?: number;
            statusCode?: 301 | 302;
          };
        }[];
      }[];
      timeouts?: {
        request?: string;
        backendRequest?: string;
      };
    }[];
  };
  status?: {
    parents: {
      parentRef: {
        group?: string;
        kind?: string;
        namespace?: string;
        name: string;
        sectionName?: string;
        port?: number;
      };
      controllerName: string;
      conditions?: {
        type: string;
        status: 'True' | 'False' | 'Unknown';
        reason: string;
        message: string;
        lastTransitionTime: string;
        observedGeneration?: number;
      }[];
    }[];
  };
}

/** HTTPLocalRateLimitPolicy, policy.linkerd.io/v1alpha1. */
export interface HTTPLocalRateLimitPolicy extends KubeObject {
  spec: {
    targetRef: {
      group?: string;
      kind: string;
      name: string;
    };
    total?: {
      requestsPerSecond: number;
    };
    identity?: {
      requestsPerSecond: number;
    };
    overrides?: {
      requestsPerSecond: number;
      clientRefs: {
        group?: string;
        kind: string;
        namespace?: string;
        name: string;
      }[];
    }[];
  };
  status?: {
    conditions?: {
      type: string;
      status: 'True' | 'False' | 'Unknown';
      reason: string;
      message: string;
      lastTransitionTime: string;
      observedGeneration?: number;
    }[];
    targetRef?: {
      group?: string;
      kind?: string;
      name: string;
    };
  };
}

/** EgressNetwork, policy.linkerd.io/v1alpha1. */
export interface EgressNetwork extends KubeObject {
  spec: {
    trafficPolicy: 'Allow' | 'Deny';
    networks?: {
      cidr: string;
      except?: string[];
    }[];
  };
  status?: {
    conditions?: {
      type: string;
      status: 'True' | 'False' | 'Unknown';
      reason: string;
      message: string;
      lastTransitionTime: string;
      observedGeneration?: number;
    }[];
  };
}

/** ExternalWorkload, workload.linkerd.io/v1beta1. */
export interface ExternalWorkload extends KubeObject {
  spec: {
    meshTLS: {
      identity: string;
      serverName: string;
    };
    ports?: {
      name?: string;
      port: number;
      protocol?: string;
    }[];
    workloadIPs?: {
      ip?: string;
    }[];
  };
  status?: {
    conditions?: {
      type: string;
      status: 'True' | 'False' | 'Unknown';
      lastProbeTime?: string;
      lastTransitionTime?: string;
      reason?: string;
      message?: string;
    }[];
  };
}

/** HTTPRoute, gateway.networking.k8s.io/v1. */
export interface HTTPRoute extends KubeObject {
  spec: {
    parentRefs?: {
      group?: string;
      kind?: string;
      namespace?: string;
      name: string;
      sectionName?: string;
      port?: number;
    }[];
    useDefaultGateways?: 'All' | 'None';
    hostnames?: string[];
    rules?: {
      name?: string;
      matches?: {
        path?: {
          type?: 'Exact' | 'PathPrefix' | 'RegularExpression';
          value?: string;
        };
        headers?: {
          type?: 'Exact' | 'RegularExpression';
          name: string;
          value: string;
        }[];
        queryParams?: {
          type?: 'Exact' | 'RegularExpression';
          name: string;
          value: string;
        }[];
        method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'CONNECT' | 'OPTIONS' | 'TRACE' | 'PATCH';
      }[];
      filters?: {
        type: 'RequestHeaderModifier' | 'ResponseHeaderModifier' | 'RequestMirror' | 'RequestRedirect' | 'URLRewrite' | 'ExtensionRef' | 'CORS' | 'ExternalAuth';
        requestHeaderModifier?: {
          set?: {
            name: string;
            value: string;
          }[];
          add?: {
            name: string;
            value: string;
          }[];
          remove?: string[];
        };
        responseHeaderModifier?: {
          set?: {
            name: string;
            value: string;
          }[];
          add?: {
            name: string;
            value: string;
          }[];
          remove?: string[];
        };
        requestMirror?: {
          backendRef: {
            group?: string;
            kind?: string;
            name: string;
            namespace?: string;
            port?: number;
          };
          percent?: number;
          fraction?: {
            numerator: number;
            denominator?: number;
          };
        };
        requestRedirect?: {
          scheme?: 'http' | 'https';
          hostname?: string;
          path?: {
            type: 'ReplaceFullPath' | 'ReplacePrefixMatch';
            replaceFullPath?: string;
            replacePrefixMatch?: string;
          };
          port?: number;
          statusCode?: 301 | 302 | 303 | 307 | 308;
        };
        urlRewrite?: {
          hostname?: string;
          path?: {
            type: 'ReplaceFullPath' | 'ReplacePrefixMatch';
            replaceFullPath?: string;
            replacePrefixMatch?: string;
          };
        };
        extensionRef?: {
          group: string;
          kind: string;
          name: string;
        };
        cors?: {
          allowOrigins?: string[];
          allowCredentials?: boolean;
          allowMethods?: ('GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'CONNECT' | 'OPTIONS' | 'TRACE' | 'PATCH' | '*')[];
          allowHeaders?: string[];
          exposeHeaders?: string[];
          maxAge?: number;
        };
        externalAuth?: {
          protocol: 'HTTP' | 'GRPC';
          backendRef: {
            group?: string;
            kind?: string;
            name: string;
            namespace?: string;
            port?: number;
          };
          grpc?: {
            allowedHeaders?: string[];
          };
          http?: {
            path?: string;
            allowedHeaders?: string[];
            allowedResponseHeaders?: string[];
          };
          forwardBody?: {
            maxSize?: number;
          };
        };
      }[];
      backendRefs?: {
        group?: string;
        kind?: string;
        name: string;
        namespace?: string;
        port?: number;
        weight?: number;
        filters?: {
          type: 'RequestHeaderModifier' | 'ResponseHeaderModifier' | 'RequestMirror' | 'RequestRedirect' | 'URLRewrite' | 'ExtensionRef' | 'CORS' | 'ExternalAuth';
          requestHeaderModifier?: {
            set?: {
              name: string;
              value: string;
            }[];
            add?: {
              name: string;
              value: string;
            }[];
            remove?: string[];
          };
          responseHeaderModifier?: {
            set?: {
              name: string;
              value: string;
            }[];
            add?: {
              name: string;
              value: string;
            }[];
            remove?: string[];
          };
          requestMirror?: {
            backendRef: {
              group?: string;
              kind?: string;
              name: string;
              namespace?: string;
              port?: number;
            };
            percent?: number;
            fraction?: {
              numerator: number;
              denominator?: number;
            };
          };
          requestRedirect?: {
            scheme?: 'http' | 'https';
            hostname?: string;
            path?: {
              type: 'ReplaceFullPath' | 'ReplacePrefixMatch';
              replaceFullPath?: string;
              replacePrefixMatch?: string;
            };
            port?: number;
            statusCode?: 301 | 302 | 303 | 307 | 308;
          };
          urlRewrite?: {
            hostname?: string;
            path?: {
              type: 'ReplaceFullPath' | 'ReplacePrefixMatch';
              replaceFullPath?: string;
              replacePrefixMatch?: string;
            };
          };
          extensionRef?: {
            group: string;
            kind: string;
            name: string;
          };
          cors?: {
            allowOrigins?: string[];
            allowCredentials?: boolean;
            allowMethods?: ('GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'CONNECT' | 'OPTIONS' | 'TRACE' | 'PATCH' | '*')[];
            allowHeaders?: string[];
            exposeHeaders?: string[];
            maxAge?: number;
          };
          externalAuth?: {
            protocol: 'HTTP' | 'GRPC';
            backendRef: {
              group?: string;
              kind?: string;
              name: string;
              namespace?: string;
              port?: number;
            };
            grpc?: {
              allowedHeaders?: string[];
            };
            http?: {
              path?: string;
              allowedHeaders?: string[];
              allowedResponseHeaders?: string[];
            };
            forwardBody?: {
              maxSize?: number;
            };
          };
        }[];
      }[];
      timeouts?: {
        request?: string;
        backendRequest?: string;
      };
      retry?: {
        codes?: number[];
        attempts?: number;
        backoff?: string;
      };
      sessionPersistence?: {
        sessionName?: string;
        absoluteTimeout?: string;
        type?: 'Cookie' | 'Header';
        cookieConfig?: {
          lifetimeType?: 'Permanent' | 'Session';
        };
      };
    }[];
  };
  status?: {
    parents: {
      parentRef: {
        group?: string;
        kind?: string;
        namespace?: string;
        name: string;
        sectionName?: string;
        port?: number;
      };
      controllerName: string;
      conditions?: {
        type: string;
        status: 'True' | 'False' | 'Unknown';
        reason: string;
        message: string;
        lastTransitionTime: string;
        observedGeneration?: number;
      }[];
    }[];
  };
}

/** GRPCRoute, gateway.networking.k8s.io/v1. */
export interface GRPCRoute extends KubeObject {
  spec: {
    parentRefs?: {
      group?: string;
      kind?: string;
      namespace?: string;
      name: string;
      sectionName?: string;
      port?: number;
    }[];
    useDefaultGateways?: 'All' | 'None';
    hostnames?: string[];
    rules?: {
      name?: string;
      matches?: {
        method?: {
          type?: 'Exact' | 'RegularExpression';
          service?: string;
          method?: string;
        };
        headers?: {
          type?: 'Exact' | 'RegularExpression';
          name: string;
          value: string;
        }[];
      }[];
      filters?: {
        type: 'RequestHeaderModifier' | 'ResponseHeaderModifier' | 'RequestMirror' | 'ExtensionRef';
        requestHeaderModifier?: {
          set?: {
            name: string;
            value: string;
          }[];
          add?: {
            name: string;
            value: string;
          }[];
          remove?: string[];
        };
        responseHeaderModifier?: {
          set?: {
            name: string;
            value: string;
          }[];
          add?: {
            name: string;
            value: string;
          }[];
          remove?: string[];
        };
        requestMirror?: {
          backendRef: {
            group?: string;
            kind?: string;
            name: string;
            namespace?: string;
            port?: number;
          };
          percent?: number;
          fraction?: {
            numerator: number;
            denominator?: number;
          };
        };
        extensionRef?: {
          group: string;
          kind: string;
          name: string;
        };
      }[];
      backendRefs?: {
        group?: string;
        kind?: string;
        name: string;
        namespace?: string;
        port?: number;
        weight?: number;
        filters?: {
          type: 'RequestHeaderModifier' | 'ResponseHeaderModifier' | 'RequestMirror' | 'ExtensionRef';
          requestHeaderModifier?: {
            set?: {
              name: string;
              value: string;
            }[];
            add?: {
              name: string;
              value: string;
            }[];
            remove?: string[];
          };
          responseHeaderModifier?: {
            set?: {
              name: string;
              value: string;
            }[];
            add?: {
              name: string;
              value: string;
            }[];
            remove?: string[];
          };
          requestMirror?: {
            backendRef: {
              group?: string;
              kind?: string;
              name: string;
              namespace?: string;
              port?: number;
            };
            percent?: number;
            fraction?: {
              numerator: number;
              denominator?: number;
            };
          };
          extensionRef?: {
            group: string;
            kind: string;
            name: string;
          };
        }[];
      }[];
      sessionPersistence?: {
        sessionName?: string;
        absoluteTimeout?: string;
        type?: 'Cookie' | 'Header';
        cookieConfig?: {
          lifetimeType?: 'Permanent' | 'Session';
        };
      };
    }[];
  };
  status?: {
    parents: {
      parentRef: {
        group?: string;
        kind?: string;
        namespace?: string;
        name: string;
        sectionName?: string;
        port?: number;
      };
      controllerName: string;
      conditions?: {
        type: string;
        status: 'True' | 'False' | 'Unknown';
        reason: string;
        message: string;
        lastTransitionTime: string;
        observedGeneration?: number;
      }[];
    }[];
  };
}

/** TLSRoute, gateway.networking.k8s.io/v1. */
export interface TLSRoute extends KubeObject {
  spec: {
    parentRefs?: {
      group?: string;
      kind?: string;
      namespace?: string;
      name: string;
      sectionName?: string;
      port?: number;
    }[];
    useDefaultGateways?: 'All' | 'None';
    hostnames: string[];
    rules: {
      name?: string;
      backendRefs: {
        group?: string;
        kind?: string;
        name: string;
        namespace?: string;
        port?: number;
        weight?: number;
      }[];
    }[];
  };
  status?: {
    parents: {
      parentRef: {
        group?: string;
        kind?: string;
        namespace?: string;
        name: string;
        sectionName?: string;
        port?: number;
      };
      controllerName: string;
      conditions?: {
        type: string;
        status: 'True' | 'False' | 'Unknown';
        reason: string;
        message: string;
        lastTransitionTime: string;
        observedGeneration?: number;
      }[];
    }[];
  };
}

/** TCPRoute, gateway.networking.k8s.io/v1. */
export interface TCPRoute extends KubeObject {
  spec: {
    parentRefs?: {
      group?: string;
      kind?: string;
      namespace?: string;
      name: string;
      sectionName?: string;
      port?: number;
    }[];
    useDefaultGateways?: 'All' | 'None';
    rules: {
      name?: string;
      backendRefs: {
        group?: string;
        kind?: string;
        name: string;
        namespace?: string;
        port?: number;
        weight?: number;
      }[];
    }[];
  };
  status?: {
    parents: {
      parentRef: {
        group?: string;
        kind?: string;
        namespace?: string;
        name: string;
        sectionName?: string;
        port?: number;
      };
      controllerName: string;
      conditions?: {
        type: string;
        status: 'True' | 'False' | 'Unknown';
        reason: string;
        message: string;
        lastTransitionTime: string;
        observedGeneration?: number;
      }[];
    }[];
  };
}
