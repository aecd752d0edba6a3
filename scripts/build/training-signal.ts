/** How a program whose calls are recorded says that it waits for another process: it writes to this descriptor. */
export const WAITING_DESCRIPTOR = 3;
