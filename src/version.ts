/** The version of the program. A test checks that it is the one in package.json. */

export const VERSION = '0.1.0';
