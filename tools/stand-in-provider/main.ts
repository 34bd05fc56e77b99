/** Entry of the plugin process. The engine reads the port from the first line of stdout; everything else goes to stderr. */
import { flushCompileCache } from "node:module";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { officialVersion } from "./official.ts";
import { providerService } from "./server.ts";

/** The engine's own limit for messages; objects with schemas in them get large. */
const maximumMessageBytes = 400 * 1024 * 1024;
const orphanCheckMilliseconds = 2000;

const server = new Server({
  "grpc.max_receive_message_length": maximumMessageBytes,
  "grpc.max_send_message_length": maximumMessageBytes,
});
server.addService(ResourceProviderService, providerService(officialVersion(), process.argv[2], process.env));
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) {
    process.stderr.write(`Stand-in for the Kubernetes provider: ${error.message}\n`);
    process.exit(1);
  }
  process.stdout.write(`${port}\n`);
  // The engine ends its plugins by force, so what Node would write at its exit (NODE_COMPILE_CACHE) is written now.
  setImmediate(flushCompileCache);
});

// An engine that is killed cannot tell its plugins; they notice that they were handed to another parent.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.exit(0);
}, orphanCheckMilliseconds).unref();
