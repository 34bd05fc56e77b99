/** Versions of the image providers that this project is written for; the engine fetches one when an image is built by it. */
export const providerVersions = { docker: "5.2.0", "docker-build": "0.0.22" } as const;
