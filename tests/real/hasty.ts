// Loaded before plumb by `node --import`: waits between tries of a request, which are random shares of seconds, are next to nothing.
Math.random = () => 1e-4;
