// The operator table as constant data. Its interface is zoo.h; this header only makes a module of the target.
#ifndef ZOO_OPERATOR_TABLE_H
#define ZOO_OPERATOR_TABLE_H
#endif
