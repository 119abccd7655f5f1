// Loaded before a client: nothing but this machine is reached.
import net from 'node:net';

const HERE = new Set(['127.0.0.1', '::1', 'localhost', undefined]);
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (!HERE.has(options.host)) {
    console.error(`a client asked for ${options.host}`);
    process.exit(97);
  }
  return connect.apply(this, args);
};
