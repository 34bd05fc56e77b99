/** Whether the programs of a cluster serve. */
import { existsSync, readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { type ClusterState, type ComponentName, clusterFiles } from "./state.ts";

/** Address of the API server. */
export const serverOf = ({ ports }: ClusterState): string => `https://127.0.0.1:${ports.apiServer}`;

/** Asks an address once; true when it answers 200. */
function answers(url: string, token?: string, certificate?: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { timeout: 2000, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } };
    const request = url.startsWith("https:")
      ? httpsRequest(url, {
          ...options,
          ...(certificate === undefined ? { rejectUnauthorized: false } : { ca: certificate }),
        })
      : httpRequest(url, options);
    request.on("response", (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
    request.end();
  });
}

/** Whether a program serves. */
export function isServing(folder: string, state: ClusterState, component: ComponentName): Promise<boolean> {
  const { ports } = state;
  switch (component) {
    case "etcd":
      return answers(`http://127.0.0.1:${ports.etcdClient}/health`);
    case "kube-apiserver": {
      const { certificate } = clusterFiles(folder);
      return existsSync(certificate)
        ? answers(`${serverOf(state)}/readyz`, state.token, readFileSync(certificate, "utf8"))
        : Promise.resolve(false);
    }
    case "kube-controller-manager":
      return answers(`https://127.0.0.1:${ports.controllerManager}/healthz`);
    case "kube-scheduler":
      return answers(`https://127.0.0.1:${ports.scheduler}/healthz`);
    case "kwok":
      return answers(`https://127.0.0.1:${ports.kwok}/healthz`);
    case "jobset":
      return answers(`http://127.0.0.1:${ports.jobSet}/readyz`);
  }
}
